"""The network: two convolutions and a linear layer."""

import torch
from torch import nn


class Net(nn.Module):
    """(n, 1, 14, 14) -> (n, 6) logits."""

    def __init__(self, classes=6):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, 3, padding=1)
        self.conv2 = nn.Conv2d(10, 20, 3, padding=1)
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(20 * 3 * 3, classes)

    def forward(self, x):
        x = torch.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = torch.max_pool2d(torch.relu(self.conv2(x)), 2)
        x = self.dropout(x.flatten(1))
        return self.head(x)
