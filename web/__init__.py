"""The two web doors: patients outside, the clinic inside."""
