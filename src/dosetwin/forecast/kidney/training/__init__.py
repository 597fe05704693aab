"""How the kidney's network is trained and calibrated; the only room that uses PyTorch (extra ``learn``), never at runtime."""
