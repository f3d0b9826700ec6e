"""What must be possible, and whether it is: classes, horizons, runways, holds."""
