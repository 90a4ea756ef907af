class Odd(BaseException):
    def __str__(self):
        raise KeyboardInterrupt


def softmax(x):
    raise Odd()


def Mean():
    raise SystemExit(0)
