"""Commands of the `curvefit` program that need the runners; nothing heavy is imported here."""
