"""HTTP/1.1 over any byte stream, written once and used by every transport."""
