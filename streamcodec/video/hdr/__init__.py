"""HDR pictures (PQ and HLG) to SDR: what light they stand for, and what of it 8 bits show."""
