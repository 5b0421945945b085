// The table people read: always 80 columns, never a control character.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Snapshot } from '../../../firmware/core/telemetry/snapshot.ts';
import { statusTable } from '../../../firmware/core/telemetry/status-table.ts';
import { exampleFlows } from './example-flows.ts';
import { beatingPeer, exampleSnapshot, strangePeer } from './example-snapshot.ts';

const TROUBLED_CONFIG = {
  ...exampleSnapshot().config,
  revision: 2,
  hash: 'ab'.repeat(32),
  errors: ['cluster.yaml:3: failover: found "pair", expected node or vip'],
};

describe('the status table', () => {
  test('of a master in good health', () => {
    expect(`\n${statusTable(exampleSnapshot()).join('\n')}\n`).toMatchInlineSnapshot(`
      "
      office-a  primary of branch-042  MASTER for 2 min 5 s
        because: the other node said good-bye
        failover node, configuration 1 (0123456789ab, synced), up 1 d 3 h
        election thread: real-time priority 50, at most 0.3 ms late

      VIP    STATE   ADDRESS            IF/VHID  BASE/SKEW
        wan  MASTER  198.51.100.200/24  wan/200  1/0
        lan  MASTER  192.168.1.1/24     lan/1    1/0
                     192.168.1.4/24
                     2001:db8:1::1/64

      LINKS
        wan  eth0  up          198.51.100.201/24 fe80::ff:fe00:1/64
        lan  eth1  no carrier

      PEER   ADDRESS      BASE/SKEW  LAST HEARD
        lan  192.168.1.3  1/100      2 min 5 s ago
      "
    `);
  });

  test('of flows that agree with the peer, and of those that are still on their way', () => {
    const section = (flows: ReturnType<typeof exampleFlows>): string[] => {
      const lines = statusTable(exampleSnapshot({ flows }));
      const from = lines.indexOf('FLOWS');
      return lines.slice(from + 1, from + 3);
    };
    expect(section(exampleFlows())).toEqual([
      '  1203 here (1203 own, 0 copies), 1201 at the peer',
      '  synced, divergence 0.1 %, lag 4.2 ms, 0 errors',
    ]);
    const joining = { peer: null, lagMs: null, synced: false, progress: 0.347, errors: 2 };
    expect(section(exampleFlows(joining))).toEqual([
      '  1203 here (1203 own, 0 copies), unknown at the peer',
      '  not synced, 34 % copied, divergence 0.1 %, no peer, 2 errors',
    ]);
  });

  test('of a node in trouble', () => {
    const status = exampleSnapshot({
      state: 'INIT',
      maintenance: true,
      reason: 'carrier lost on lan, and the node was put into maintenance by its operator before',
      demotions: [
        {
          reason: 'link:lan',
          weight: 240,
          since: '2026-03-01T11:59:57.000Z',
          expires: null,
          owner: 'link watch',
        },
        {
          reason: 'late',
          weight: 60,
          since: '2026-03-01T11:59:00.000Z',
          expires: '2026-03-01T12:00:30.000Z',
          owner: 'lease',
        },
      ],
      links: [{ name: 'lan', device: 'eth1', present: false, carrier: false, addresses: [] }],
      alerts: [
        {
          code: 'digest:lan',
          since: '2026-03-01T11:00:00.000Z',
          text:
            '192.168.1.9 sends CARP advertisements for VHID 1 with another password or ' +
            'other VIPs; compare cluster.yaml of both nodes',
        },
      ],
      peer: strangePeer({ reachable: false, heard: [] }),
      config: TROUBLED_CONFIG,
      realtime: { priority: null, latenessMaxMs: 12.34 },
    });
    expect(`\n${statusTable(status).join('\n')}\n`).toMatchInlineSnapshot(`
      "
      office-a  primary of branch-042  INIT for 2 min 5 s  MAINTENANCE
        because: carrier lost on lan, and the node was put into maintenance by its
                 operator before
        failover node, configuration 2 (abababababab, synced), up 1 d 3 h
        election thread: no real-time priority, at most 12.3 ms late
        configuration: cluster.yaml:3: failover: found "pair", expected node or vip

      ALERTS
        digest:lan  192.168.1.9 sends CARP advertisements for VHID 1 with another
                    password or other VIPs; compare cluster.yaml of both nodes

      VIP    STATE   ADDRESS            IF/VHID  BASE/SKEW
        wan  MASTER  198.51.100.200/24  wan/200  1/0
        lan  MASTER  192.168.1.1/24     lan/1    1/0
                     192.168.1.4/24
                     2001:db8:1::1/64

      LINKS
        lan  eth1  no such device

      DEMOTIONS
        link:lan  +240  for 3 s        until link watch ends it
        late      +60   for 1 min 0 s  for another 30 s

      PEER
        no advertisement of another node heard yet
      "
    `);
  });

  test('no line is longer than 80 columns or holds what a terminal obeys', () => {
    const text = fc.string({ unit: 'binary', maxLength: 200 });
    fc.assert(
      fc.property(text, text, text, (name, address, reason) => {
        const lines = statusTable(
          exampleSnapshot({
            reason,
            node: name,
            links: [
              { name, device: name, present: true, carrier: true, addresses: [address, address] },
            ],
            peer: beatingPeer({
              node: name,
              sameConfiguration: false,
              paths: [{ interface: name, address, up: null, lastBeatMs: 1e15 }],
            }),
            alerts: [{ code: name, since: '2026-03-01T11:00:00.000Z', text: `\x1b[2J${reason}` }],
          }),
        );
        for (const line of lines) {
          expect(line.length).toBeLessThanOrEqual(80);
          expect(line).not.toMatch(/\p{Cc}/u);
        }
      }),
    );
  });

  test('says that a MASTER cannot know about its peer', () => {
    const { peer } = exampleSnapshot();
    const text = (heard: typeof peer.heard): string[] =>
      statusTable(exampleSnapshot({ peer: strangePeer({ reachable: null, heard }) })).slice(
        -2 - heard.length,
      ) as string[];
    const unknown = '  unknown (a BACKUP is silent in CARP)';
    expect(text([])).toEqual(['PEER', unknown]);
    expect(text(peer.heard)).toContain(unknown);
    expect(text(peer.heard).at(-1)).toMatch(/ago$/);
  });

  const peerSection = (peer: Snapshot['peer']): string => {
    const lines = statusTable(exampleSnapshot({ peer }));
    return `\n${lines.slice(lines.findIndex((line) => line.startsWith('PEER'))).join('\n')}\n`;
  };

  test('of a peer that lives, with every path to it', () => {
    expect(peerSection(beatingPeer())).toMatchInlineSnapshot(`
      "
      PEER
        office-b  secondary  BACKUP  alive, last beat 8 ms ago
                  can serve 2 of 2 VIPs

      PATH    ADDRESS         BEATS  LAST BEAT
        sync  172.16.1.2      up     8 ms ago
        lan   192.168.1.3     up     130 ms ago
        wan   198.51.100.202  up     213 ms ago
      "
    `);
  });

  test('of a peer that is worse off and configured otherwise', () => {
    const paths = [
      { interface: 'sync', address: '172.16.1.2', up: false, lastBeatMs: 61_000 },
      ...beatingPeer().paths.slice(1),
      { interface: 'dmz', address: null, up: null, lastBeatMs: null },
      { interface: 'guest', address: 'fe80::ff:fe00:b02', up: false, lastBeatMs: null },
    ];
    const peer = beatingPeer({ paths, health: 1, demotion: 240, sameConfiguration: false });
    expect(peerSection({ ...peer, verdict: 'suspect' })).toMatchInlineSnapshot(`
      "
      PEER
        office-b  secondary  BACKUP  suspect, last beat 8 ms ago
                  can serve 1 of 2 VIPs, demoted by 240
                  its configuration of the pair is not this node's

      PATH     ADDRESS            BEATS          LAST BEAT
        sync   172.16.1.2         silent         1 min 1 s ago
        lan    192.168.1.3        up             130 ms ago
        wan    198.51.100.202     up             213 ms ago
        dmz    unknown            none expected  never
        guest  fe80::ff:fe00:b02  silent         never
      "
    `);
  });

  test('of a peer that has died, with its last advertisements', () => {
    const heard = [
      { vip: 'lan', source: '192.168.1.3', advbase: 1, advskew: 100, agoMs: 4_200 },
    ] as const;
    const peer = beatingPeer({
      reachable: false,
      verdict: 'dead',
      state: 'MASTER',
      lastBeatMs: 3_400,
      paths: [{ interface: 'sync', address: '172.16.1.2', up: false, lastBeatMs: 3_400 }],
      heard,
    });
    expect(peerSection(peer)).toMatchInlineSnapshot(`
      "
      PEER
        office-b  secondary  dead, last beat 3.4 s ago, was MASTER

      PATH    ADDRESS     BEATS   LAST BEAT
        sync  172.16.1.2  silent  3.4 s ago

      HEARD  ADDRESS      BASE/SKEW  LAST HEARD
        lan  192.168.1.3  1/100      4.2 s ago
      "
    `);
  });

  test('of a peer of which no beat came yet', () => {
    const paths = [{ interface: 'sync', address: '172.16.1.2', up: false, lastBeatMs: null }];
    const silent = strangePeer({ reachable: null, heard: [], paths });
    expect(peerSection(silent)).toMatchInlineSnapshot(`
      "
      PEER
        no beat heard yet
        unknown (a BACKUP is silent in CARP)

      PATH    ADDRESS     BEATS   LAST BEAT
        sync  172.16.1.2  silent  never
      "
    `);
    const { heard } = exampleSnapshot().peer;
    expect(peerSection(strangePeer({ reachable: true, heard, paths }))).toMatchInlineSnapshot(`
      "
      PEER   ADDRESS      BASE/SKEW  LAST HEARD
        no beat heard yet
        lan  192.168.1.3  1/100      2 min 5 s ago

      PATH    ADDRESS     BEATS   LAST BEAT
        sync  172.16.1.2  silent  never
      "
    `);
  });
});
