/** Why a message of the kernel becomes no record. Negative, as lengths are not. */
export const flowRefusals = {
  /** Cut, or with attributes that contradict each other. */
  malformed: -1,
  /** Not about a flow. */
  foreign: -2,
  /** Begins or ends on this node, or is never forwarded. */
  local: -3,
  /** Left out by configuration. */
  excluded: -4,
  /** TCP that nobody has answered yet: it would begin anew elsewhere. */
  premature: -5,
  /** A zone for one direction only, or another family than IP. */
  unsupported: -6,
  /** Longer than a record may be. */
  long: -7,
} as const;

export type FlowRefusal = keyof typeof flowRefusals;
