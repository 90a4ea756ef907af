import time


def softmax(x):
    time.sleep(3600)


Mean = softmax
