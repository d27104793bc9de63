"""The published directory of one service day: tables, public manifest, card, page."""
