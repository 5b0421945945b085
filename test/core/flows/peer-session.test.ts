import { describe, expect, it } from 'vitest';
import { PeerSession } from '../../../firmware/core/flows/peer-session.ts';
import {
  type Instant,
  instant,
  after as later,
  milliseconds,
} from '../../../firmware/core/time.ts';
import type { FlowHeartbeat } from '../../../firmware/wire/flow-frame.ts';

const NOW = instant(1_000_000);
const OWN = 11;
const PEER = 22;

function heartbeat(change: Partial<FlowHeartbeat> = {}): FlowHeartbeat {
  return {
    kind: 'heartbeat',
    serving: 'all',
    epoch: PEER,
    peerEpoch: OWN,
    sequence: 1,
    next: 1,
    ownFlows: 0,
    peerFlows: 0,
    sent: 0,
    received: 0,
    heardAge: 0,
    divergence: 0,
    ...change,
  };
}

const ack = {
  kind: 'ack',
  serving: 'all',
  sequence: 1,
  window: 9,
  arrived: new Uint8Array(),
} as const;
const idle = { taken: 1, acknowledged: 1, next: 1 };

/** An open session, heard at NOW. */
function opened(): PeerSession {
  const session = new PeerSession(OWN, NOW);
  session.beat(heartbeat(), NOW);
  return session;
}

/** Hears a heartbeat every 100 ms until `end`; answers when each direction changed. */
function hearUntil(session: PeerSession, end: Instant, change: Partial<FlowHeartbeat>, at = idle) {
  const news: string[] = [];
  for (let now = NOW; now <= end; now = later(now, milliseconds(100))) {
    const sent = (now - NOW) / 100_000;
    session.beat(heartbeat({ sent, ...change }), now);
    for (const direction of session.judge(at, now)) {
      news.push(`${(now - NOW) / 1_000} ${direction} ${session.stopped.get(direction)}`);
    }
  }
  return news;
}

describe('the session', () => {
  it('opens when both know each other', () => {
    const session = new PeerSession(OWN, NOW);
    expect(session.beat(heartbeat({ peerEpoch: 0 }), NOW)).toBeUndefined();
    expect([session.peerEpoch, session.isOpen]).toEqual([PEER, false]);
    expect(session.admit({ ...ack, epoch: PEER, peerEpoch: OWN }, NOW)).toBe('epoch');
    session.beat(heartbeat(), NOW);
    expect(session.isOpen).toBe(true);
    expect(session.admit({ ...ack, epoch: PEER, peerEpoch: OWN }, NOW)).toBeUndefined();
  });

  it('knows its own frames, and those of or to other lives', () => {
    const session = opened();
    expect(session.beat(heartbeat({ epoch: OWN }), NOW)).toBe('own');
    expect(session.admit({ ...ack, epoch: OWN, peerEpoch: PEER }, NOW)).toBe('own');
    expect(session.admit({ ...ack, epoch: PEER, peerEpoch: 5 }, NOW)).toBe('epoch');
    expect(session.admit({ ...ack, epoch: 5, peerEpoch: OWN }, NOW)).toBe('epoch');
  });

  it('turns to a new life of the peer, and never back', () => {
    const session = opened();
    session.spoke(NOW);
    session.beat(heartbeat({ epoch: 33, peerEpoch: 0 }), NOW);
    expect([session.peerEpoch, session.isOpen, session.speakAt]).toEqual([33, false, NOW]);
    expect(session.beat(heartbeat(), NOW)).toBe('epoch');
    expect(session.peerEpoch).toBe(33);
  });

  it('opens at once when the peer knows this life already', () => {
    expect(opened().isOpen).toBe(true);
  });

  it('overlooks a heartbeat that was overtaken', () => {
    const session = opened();
    session.beat(heartbeat({ sent: 5, serving: 'none' }), NOW);
    expect(session.beat(heartbeat({ sent: 4, serving: 'all' }), NOW)).toBe('overtaken');
    expect(session.heartbeat?.serving).toBe('none');
  });

  it('speaks every 100 ms, and at once when there is news', () => {
    const session = opened();
    session.spoke(NOW);
    expect(session.speakAt).toBe(later(NOW, milliseconds(100)));
    session.hurry(NOW);
    expect(session.speakAt).toBe(NOW);
  });
});

describe('a direction that has stopped', () => {
  const end = later(NOW, milliseconds(2_000));

  it('is not seen where nothing is wrong, or nothing was ever there', () => {
    expect(hearUntil(opened(), end, {})).toEqual([]);
    expect(new PeerSession(OWN, NOW).judge(idle, end)).toEqual([]);
  });

  it('is silent when nothing is heard for a second', () => {
    const session = opened();
    expect(session.judge(idle, later(NOW, milliseconds(999)))).toEqual([]);
    expect(session.judge(idle, later(NOW, milliseconds(1_000)))).toEqual(['in']);
    expect([...session.stopped]).toEqual([['in', 'silent']]);
    session.beat(heartbeat(), end);
    expect(session.judge(idle, end)).toEqual(['in']);
    expect([...session.stopped]).toEqual([]);
  });

  it('is unheard when the peer says so, or does not know this node', () => {
    const session = opened();
    expect(session.beat(heartbeat({ heardAge: 900, sent: 1 }), end)).toBeUndefined();
    expect(session.judge(idle, end)).toEqual([]);
    session.beat(heartbeat({ heardAge: 1_000, sent: 2 }), later(end, milliseconds(100)));
    expect(session.judge(idle, later(end, milliseconds(100)))).toEqual(['out']);
    expect(hearUntil(opened(), end, { peerEpoch: 0 })).toEqual(['1000 out unheard']);
  });

  it('is stalled when frames do not get through though heartbeats do', () => {
    const out = { taken: 1, acknowledged: 1, next: 3 };
    expect(hearUntil(opened(), end, {}, out)).toEqual(['1500 out stalled']);
    expect(hearUntil(opened(), end, { next: 4 })).toEqual(['1500 in stalled']);
  });
});
