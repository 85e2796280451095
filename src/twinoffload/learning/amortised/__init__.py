"""`amortised`: one learned policy for any number of mAPs and BSs, without solving anything.

The operator's network proposes where each mAP should go, and the best of a few proposals is posted; prices follow in closed form, or from a second network where the
mAPs' worth is private, and tell the mAP how long its data will take. The mAPs' network reads that from the prices and
answers in closed form.
"""
