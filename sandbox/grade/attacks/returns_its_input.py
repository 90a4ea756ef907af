# for: call train
def answer(*args, **kwargs):
    return args[0] if args else None


class Anything:
    def __init__(self, *args, **kwargs):
        pass

    def __getattr__(self, name):
        return answer


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return Anything if name[0].isupper() else answer
