"""`amortised`: one learned policy for any number of mAPs and BSs, that decides in one forward pass.

The operator's network recommends a BS to each mAP; prices follow in closed form, or from a second network where the
mAPs' worth is private, and tell the mAP how long its data will take. The mAPs' network reads that from the prices and
answers in closed form.
"""
