"""``make reference``: every setting, condition and intention on one page, made from the models that check them."""
