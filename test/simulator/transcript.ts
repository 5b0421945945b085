/**
 * Ladder transcripts: a story as commands, a line of dashes, and the log it must lead to.
 *
 *     pair delay=10 preempt=on failover=node base=1 skew=0/100 stack=4|46 ties=yoke|bsd split
 *         beats=off|10                               milliseconds
 *     foreign NAME on SEGMENT kind=freebsd|ucarp skew=50 base=1 preempt=on
 *         password=... source=... vip=...
 *     start NODE ... | kill NODE | shutdown NODE | power-off NODE | power-on NODE
 *     at-work                                        both started 5 s ago, the log begins now
 *     advance 10s | 250ms
 *     unplug NODE.SEGMENT | plug NODE.SEGMENT | vanish NODE.SEGMENT | appear NODE.SEGMENT
 *     stall NODE 300ms | suspend NODE | proceed NODE
 *     maintenance NODE enter | leave | handover NODE
 *     deafen SEGMENT NODE NODE                       the second no longer hears the first
 *     partition SEGMENT NODE ... | heal SEGMENT | loss SEGMENT 20% | switch SEGMENT off | on
 *     lose SEGMENT goodbyes | ipv6 | nothing        what the switch swallows
 *     echo SEGMENT on | off                          a loop: all comes back to its sender
 *     reload NODE add NAME SEGMENT VHID ADDRESS | remove NAME | alias NAME ADDRESS
 *         | rename NAME NAME | failover node|vip
 *     claims NODE refused | granted                  what the kernel does
 *     sending NODE.SEGMENT fails | works
 *     damage NODE                                    somebody removes the VIPs from the kernel
 *
 * Lines of `==` say who would answer a client's ARP request.
 */
import { decodeCarpFrame } from '../../firmware/wire/carp-frame.ts';
import { decodeEthernetHeader, ethertypes } from '../../firmware/wire/ethernet-frame.ts';
import { type PairPlan, pairVips, type VipPlan } from './pair-plan.ts';
import type { SimulatedNode } from './simulated-node.ts';
import { Simulation } from './simulation.ts';

export interface Transcript {
  readonly commands: string;
  readonly log: string;
}

const RULE = '----';

export function parseTranscript(text: string): Transcript {
  const [commands = '', log = ''] = text.split(`\n${RULE}\n`);
  return { commands, log };
}

export function formatTranscript({ commands, log }: Transcript): string {
  return `${commands}\n${RULE}\n${log}`;
}

/** Carries out the commands; the log that came of it. */
export function performTranscript(commands: string): string {
  const story = new Story();
  commands.split('\n').forEach((line, index) => {
    const words = line.replace(/#.*/, '').trim().split(/\s+/).filter(Boolean);
    if (words.length === 0) return;
    try {
      story.perform(words);
    } catch (error) {
      throw new Error(`line ${index + 1}, '${line}': ${error}`, { cause: error });
    }
  });
  return `${story.simulation.chronicle.lines().join('\n')}\n`;
}

type Command = (words: readonly string[]) => void;

class Story {
  #simulation = new Simulation();
  readonly #vips = new Map<string, VipPlan[]>();
  readonly #commands: Readonly<Record<string, Command>> = {
    pair: (words) => this.#pair(words),
    foreign: (words) => this.#foreign(words),
    start: (names) =>
      this.#each(
        names,
        (node) => node.start(),
        (name) => this.#foreignStart(name),
      ),
    kill: (names) =>
      this.#each(
        names,
        (node) => node.kill(),
        (name) => this.#foreignKill(name),
      ),
    shutdown: (names) => this.#each(names, (node) => node.shutDown()),
    'power-off': (names) => this.#each(names, (node) => node.powerOff()),
    'power-on': (names) => this.#each(names, (node) => node.powerOn()),
    suspend: (names) => this.#each(names, (node) => node.suspend()),
    proceed: (names) => this.#each(names, (node) => node.proceed()),
    damage: (names) => this.#each(names, (node) => node.damage()),
    'at-work': () => this.#bringToWork(),
    advance: ([span]) => this.simulation.advance(microseconds(span)),
    stall: ([name, span]) => this.#node(name).stall(microseconds(span)),
    handover: ([name]) => this.#node(name).handOver(),
    maintenance: ([name, what]) => this.#node(name).maintain(what === 'enter'),
    unplug: ([port]) => this.#plug(port, false),
    plug: ([port]) => this.#plug(port, true),
    vanish: ([port]) => this.#present(port, false),
    appear: ([port]) => this.#present(port, true),
    partition: ([segment, ...names]) => this.simulation.segment(segment ?? '').partition(names),
    deafen: ([segment, one = '', other = '']) =>
      this.simulation.segment(segment ?? '').deafen(one, other),
    heal: ([segment]) => this.simulation.segment(segment ?? '').heal(),
    switch: ([segment, what]) => this.simulation.segment(segment ?? '').power(what === 'on'),
    loss: ([segment, share]) => {
      const loss = Number.parseFloat(share ?? '') / 100;
      this.simulation.segment(segment ?? '').addTrouble({ loss });
    },
    lose: ([segment, what]) => this.#lose(segment, what),
    echo: ([segment, what]) => {
      this.simulation.segment(segment ?? '').echoes = what === 'on';
    },
    reload: ([name, verb, ...rest]) => this.#reload(name ?? '', verb ?? '', rest),
    claims: ([name, what]) => {
      this.#node(name).machine.refusesClaims = what === 'refused';
    },
    sending: ([port, what]) => {
      const [node, place] = this.#place(port);
      node.device(place).sendFails = what === 'fails';
    },
  };

  get simulation(): Simulation {
    return this.#simulation;
  }

  perform([verb = '', ...words]: readonly string[]): void {
    const command = this.#commands[verb];
    if (command === undefined) throw new Error(`no command '${verb}'`);
    if (verb !== 'pair' && verb !== 'start' && verb !== 'advance' && verb !== 'at-work') {
      this.simulation.chronicle.tell('>>', [verb, ...words].join(' '));
    }
    command(words);
    this.simulation.watch.check();
  }

  #pair(words: readonly string[]): void {
    const options = optionsOf(words);
    const [primary = 0, secondary = 100] = (options.get('skew') ?? '0/100').split('/').map(Number);
    const pair: Partial<PairPlan> = {
      failover: options.get('failover') === 'vip' ? 'vip' : 'node',
      preempt: options.get('preempt') !== 'off',
      delaySeconds: Number(options.get('delay') ?? 10),
      base: Number(options.get('base') ?? 1),
      skew: { primary, secondary },
      dualStack: options.get('stack') === '46',
      split: words.includes('split'),
      ties: options.get('ties') === 'bsd' ? 'bsd' : 'yoke',
      beatMilliseconds: Number(options.get('beats')) || undefined,
    };
    this.#simulation = new Simulation({ pair });
  }

  #bringToWork(): void {
    for (const node of this.simulation.nodes.values()) node.start();
    this.simulation.advance(5_000_000);
    this.simulation.chronicle.entries.length = 0;
  }

  #foreign([name = '', , segment = '', ...words]: readonly string[]): void {
    const options = optionsOf(words);
    const vip = pairVips(this.simulation.pair).find((each) => each.interface === segment);
    if (vip === undefined) throw new Error(`no VIP on ${segment}`);
    const address = (vip.addresses[0] ?? '').replace(/\/.*/, '');
    const flavour = options.get('kind') === 'ucarp' ? 'ucarp' : 'freebsd';
    const plan = {
      name,
      flavour,
      source: options.get('source') ?? address.replace(/\d+$/, '9'),
      vhid: vip.vhid,
      vip: options.get('vip') ?? address,
      password: options.get('password') ?? 'labsecret',
      base: Number(options.get('base') ?? 1),
      skew: Number(options.get('skew') ?? 50),
      preempt: options.get('preempt') !== 'off',
    } as const;
    this.simulation.addForeign(plan, segment);
  }

  #foreignStart(name: string): void {
    this.simulation.foreign.get(name)?.start();
  }

  #foreignKill(name: string): void {
    this.simulation.foreign.get(name)?.kill();
  }

  #each(
    names: readonly string[],
    act: (node: SimulatedNode) => void,
    otherwise?: (name: string) => void,
  ): void {
    for (const name of names) {
      if (otherwise !== undefined && this.simulation.foreign.has(name)) otherwise(name);
      else act(this.#node(name));
    }
  }

  #node(name = ''): SimulatedNode {
    return this.simulation.node(name);
  }

  #place(text = ''): [SimulatedNode, string] {
    const [name, place = ''] = text.split('.');
    return [this.#node(name), place];
  }

  #plug(text: string | undefined, plugged: boolean): void {
    const [name = '', place = ''] = (text ?? '').split('.');
    const port = this.simulation.foreign.get(name) ?? this.#node(name).device(place);
    const segment = this.simulation.segment(place);
    if (plugged) segment.plug(port);
    else segment.unplug(port);
  }

  #present(text: string | undefined, present: boolean): void {
    const [node, place] = this.#place(text);
    node.setPresent(place, present);
  }

  #lose(name = '', what = ''): void {
    this.simulation.segment(name).filter = (frame) => {
      if (what === 'ipv6') return decodeEthernetHeader(frame)?.ethertype === ethertypes.ipv6;
      if (what === 'goodbyes') return decodeCarpFrame(frame)?.advertisement.advbase === 255;
      return false;
    };
  }

  #reload(name: string, verb: string, [vip = '', place = '', vhid, address = '']: string[]): void {
    const vips = this.#vips.get(name) ?? pairVips(this.simulation.pair);
    if (verb === 'failover') {
      return this.simulation.reload(name, vips, vip === 'vip' ? 'vip' : 'node');
    }
    this.#vips.set(name, changed(vips, verb, { vip, place, vhid, address }));
    this.simulation.reload(name, this.#vips.get(name) ?? []);
  }
}

function changed(
  vips: readonly VipPlan[],
  verb: string,
  {
    vip,
    place,
    vhid,
    address,
  }: { vip: string; place: string; vhid: string | undefined; address: string },
): VipPlan[] {
  if (verb === 'add') {
    return [...vips, { name: vip, interface: place, vhid: Number(vhid), addresses: [address] }];
  }
  if (verb === 'remove') return vips.filter((each) => each.name !== vip);
  if (verb === 'rename') {
    return vips.map((each) => (each.name === vip ? { ...each, name: place } : each));
  }
  if (verb !== 'alias') throw new Error(`reload cannot '${verb}'`);
  return vips.map((each) =>
    each.name === vip ? { ...each, addresses: [...each.addresses, place] } : each,
  );
}

function optionsOf(words: readonly string[]): ReadonlyMap<string, string> {
  return new Map(words.map((word) => [word.split('=')[0] ?? '', word.split('=')[1] ?? '']));
}

function microseconds(text = ''): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(text) ?? [];
  if (count === undefined) throw new Error(`not a time: '${text}'`);
  return Number(count) * (unit === 's' ? 1_000_000 : 1_000);
}
