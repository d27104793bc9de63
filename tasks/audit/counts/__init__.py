"""How a synthesizer that measures counts is audited: trips are its canaries."""
