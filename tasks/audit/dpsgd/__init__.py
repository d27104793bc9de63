"""How a synthesizer that trains by DP-SGD is audited: gradients are its canaries."""
