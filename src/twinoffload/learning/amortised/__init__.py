"""`amortised`: one learned policy for any number of mAPs and BSs, which solves nothing.

The operator's network proposes where each mAP should go, and the best of a fixed number of proposals is posted. Prices
follow in closed form, corrected by a second network where worth is private, and tell the mAP how long its data
will take. The mAPs' network reads that from the prices, and they answer in closed form.
"""
