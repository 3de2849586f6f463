"""A VAE that knows nothing of this suite, with its two stochastic lines replaced by the fused op.

``python vae.py`` trains it with the op and with the lines it replaces, and prints both losses.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

from kernels import reparameterize_kl

LATENT, BATCH, SEED = 8, 128, 0


class VAE(nn.Module):
    """An encoder to mean and log-variance, a decoder, and z drawn between them."""

    def __init__(self, *, fused: bool) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 2 * LATENT))
        self.decoder = nn.Sequential(nn.Linear(LATENT, 128), nn.ReLU(), nn.Linear(128, 64))
        self.fused = fused

    def forward(self, x, step):
        mu, logvar = self.encoder(x).chunk(2, dim=-1)
        if self.fused:
            z, kl = reparameterize_kl(mu, logvar, seed=SEED, step=step)  # kl [B], nats
        else:
            z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
            kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(-1)
        return self.decoder(z), kl


def train(*, fused: bool, epochs: int) -> float:
    """Binary cross-entropy plus KL of the last epoch, in nats an image."""
    torch.manual_seed(SEED)
    images = torch.tensor(load_digits().data / 16, dtype=torch.float32)
    model = VAE(fused=fused)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    # A tensor: a Python number would be compiled anew at each step under torch.compile.
    step = torch.zeros((), dtype=torch.int64)
    for _ in range(epochs):
        losses = []
        for x in images[torch.randperm(len(images))].split(BATCH):
            logits, kl = model(x, step)
            error = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)
            loss = (error + kl).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            losses.append(loss.detach())
    return float(torch.stack(losses).mean())


if __name__ == "__main__":
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    print(f"plain {train(fused=False, epochs=epochs):.2f} nats an image")
    print(f"fused {train(fused=True, epochs=epochs):.2f} nats an image")
