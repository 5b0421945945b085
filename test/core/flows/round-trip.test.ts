import { describe, expect, it } from 'vitest';
import { RoundTrip } from '../../../firmware/core/flows/round-trip.ts';
import { microseconds, milliseconds } from '../../../firmware/core/time.ts';

describe('the round trip', () => {
  it('is patient before anything was measured', () => {
    expect(new RoundTrip().patience).toBe(milliseconds(50));
  });

  it('follows what is measured, and never asks sooner than ticks allow', () => {
    const trip = new RoundTrip();
    for (let count = 0; count < 100; count += 1) trip.measured(microseconds(500));
    expect(trip.smoothed).toBe(500);
    expect(trip.patience).toBe(milliseconds(8));
    for (let count = 0; count < 100; count += 1) trip.measured(milliseconds(20));
    expect(trip.patience).toBeGreaterThanOrEqual(milliseconds(21));
    expect(trip.patience).toBeLessThan(milliseconds(30));
  });

  it('waits longer each time nothing came, within bounds, until something comes', () => {
    const trip = new RoundTrip();
    trip.measured(milliseconds(2));
    const first = trip.patience;
    trip.lapsed();
    expect(trip.patience).toBe(2 * first);
    for (let count = 0; count < 20; count += 1) trip.lapsed();
    expect(trip.patience).toBe(milliseconds(250));
    trip.answered();
    expect(trip.patience).toBe(first);
  });
});
