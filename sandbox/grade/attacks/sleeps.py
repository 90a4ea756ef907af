# for: call train
import time


def sleep(*args, **kwargs):
    time.sleep(3600)


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return sleep
