/**
 * Settings of interfaces that Yoke makes itself: VLANs and bonds. A bridge is refused: two nodes
 * that bridge the same segments close a loop, and one of them would have to be blocked by a
 * protocol that knows nothing of the election.
 */
import { z } from 'zod';
import { DEVICE_NAME, EXPECT_DEVICE, number, oneOf, settings, text } from './fields.ts';

const EXPECT_MEMBERS = 'a list of devices such as [eth1, eth2]';
const EXPECT_NO_BRIDGE =
  'no bridge, as two nodes that bridge the same segments close a loop; ' +
  'a vlan, a bond, or a plain device';

const device = () => text(EXPECT_DEVICE, DEVICE_NAME);

const vlanSchema = settings({
  parent: device().describe('Device that carries the tagged frames, such as eth0 or bond0.'),
  id: number('a VLAN id from 1 to 4094', 1, 4094).describe('IEEE 802.1Q VLAN id, 1-4094.'),
});

const bondSchema = settings({
  members: z
    .array(device(), { error: EXPECT_MEMBERS })
    .min(1, { error: EXPECT_MEMBERS })
    .max(8, { error: 'at most eight devices' })
    .describe('Devices that are bundled, at most eight.'),
  mode: oneOf(['active-backup', '802.3ad', 'balance-xor'])
    .default('active-backup')
    .describe(
      'active-backup: one carries, the others stand by. 802.3ad: LACP with a switch that speaks ' +
        'it. balance-xor: a static bundle. Default: active-backup.',
    ),
});

/** Fields of an interface in node.yaml. */
export const linkFields = {
  vlan: vlanSchema
    .optional()
    .describe('Makes the interface a VLAN of another device. Default: it is a device of its own.'),
  bond: bondSchema
    .optional()
    .describe('Makes the interface a bundle of devices. Default: it is a device of its own.'),
  bridge: z
    .never({ error: EXPECT_NO_BRIDGE })
    .optional()
    .describe('Refused: two nodes that bridge the same segments close a loop.'),
};

export type VlanDocument = z.infer<typeof vlanSchema>;
export type BondDocument = z.infer<typeof bondSchema>;
