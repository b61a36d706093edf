"""What people copy from published reports, turned into target statistics."""
