"""Mail in: protocols are stripped here, and sender, recipients and content handed to one intake."""
