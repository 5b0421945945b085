// The monitor port's reader: who answers for a VIP, and that nobody else does. The invariant every
// scenario is held to is "never two answers to one ARP request", counted where the frames enter the
// switch, so a second answer cannot hide behind the same virtual MAC.
import type { Namespace } from './namespace.ts';
import { type ProbeEvent, ProbeProcess } from './probe-process.ts';
import { VIP_SEGMENTS, VIPS, type VipSegment } from './rack-plan.ts';

interface FrameEvent extends ProbeEvent {
  /** SEGMENT.STATION */
  readonly port: string;
  readonly mac: string;
  readonly sender: string;
  readonly target: string;
}

export interface AdvertEvent extends ProbeEvent {
  readonly port: string;
  readonly mac: string;
  readonly sender: string;
  readonly ttl: number;
  /** The first 36 bytes after the IP header, hexadecimal. */
  readonly bytes: string;
}

/** A port that began to send from a virtual MAC, and who did before. */
export interface SpeakerEvent extends ProbeEvent {
  readonly port: string;
  readonly mac: string;
  readonly before: string;
  readonly beforeT: number;
}

export interface Answer {
  readonly t: number;
  readonly station: string;
  readonly mac: string;
}

/** A VIP that another station answers for than before. */
export interface Move {
  readonly t: number;
  readonly segment: VipSegment;
  readonly from: string;
  readonly to: string;
}

/** One ARP request with more than one answer. */
export interface DoubleAnswer {
  readonly segment: string;
  readonly asker: string;
  readonly askedAt: number;
  readonly address: string;
  readonly answers: readonly Answer[];
}

interface Question {
  readonly askedAt: number;
  readonly answers: Answer[];
}

type OwnerListener = (segment: VipSegment, answer: Answer) => void;

export class ArpWatch {
  readonly doubleAnswers: DoubleAnswer[] = [];
  readonly speakers: SpeakerEvent[] = [];
  readonly moves: Move[] = [];
  /** Gratuitous ARP for the VIPs, either operation, in order of arrival. */
  readonly announcements: (Answer & { readonly address: string })[] = [];
  answersSeen = 0;
  private readonly probe: ProbeProcess;
  private readonly questions = new Map<string, Question>();
  private readonly owners = new Map<VipSegment, Answer>();
  private readonly ownerListeners = new Set<OwnerListener>();
  private readonly lastAdverts = new Map<string, AdvertEvent>();

  private constructor(probe: ProbeProcess) {
    this.probe = probe;
    probe.onEvent((event) => this.note(event));
  }

  static async start(switches: Namespace): Promise<ArpWatch> {
    return new ArpWatch(await ProbeProcess.start(switches, 'switch-tap', []));
  }

  /** Who answered last for the segment's VIP. */
  owner(segment: VipSegment): Answer | undefined {
    return this.owners.get(segment);
  }

  /** Resolves with the first answer by `station` that is younger than `after`. */
  untilOwner(
    segment: VipSegment,
    station: string,
    options: { readonly after?: number; readonly patienceMs?: number } = {},
  ): Promise<Answer> {
    const { after = 0, patienceMs = 30_000 } = options;
    const known = this.owners.get(segment);
    if (known?.station === station && known.t > after) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const end = (act: () => void) => {
        clearTimeout(timer);
        this.ownerListeners.delete(listener);
        act();
      };
      const timer = setTimeout(() => {
        const last = this.owners.get(segment)?.station ?? 'nobody';
        end(() => reject(new Error(`${segment} VIP: waited for ${station}, answered by ${last}`)));
      }, patienceMs);
      const listener: OwnerListener = (where, answer) => {
        if (where !== segment || answer.station !== station || answer.t <= after) return;
        end(() => resolve(answer));
      };
      this.ownerListeners.add(listener);
    });
  }

  /** The newest protocol 112 packet from this sender address. */
  advert(sender: string): AdvertEvent | undefined {
    return this.lastAdverts.get(sender);
  }

  nextAdvert(from: (advert: AdvertEvent) => boolean, patienceMs = 10_000): Promise<AdvertEvent> {
    return this.probe.process.nextLine((line) => {
      const event = JSON.parse(line) as AdvertEvent;
      return event.event === 'advert' && from(event) ? event : undefined;
    }, patienceMs);
  }

  /** Frames the monitor missed. The invariant is only proven while this is 0. */
  async missedFrames(): Promise<number> {
    return (await this.probe.report<ProbeEvent & { dropped: number }>()).dropped;
  }

  stop(): Promise<void> {
    return this.probe.stop();
  }

  private note(event: ProbeEvent): void {
    if (event.event === 'arp-request') this.noteRequest(event as FrameEvent);
    else if (event.event === 'arp-reply') this.noteReply(event as FrameEvent);
    else if (event.event === 'speaker') this.speakers.push(event as SpeakerEvent);
    else if (event.event === 'advert')
      this.lastAdverts.set((event as AdvertEvent).sender, event as AdvertEvent);
  }

  private noteRequest(frame: FrameEvent): void {
    if (frame.sender === frame.target) this.noteAnnouncement(frame);
    const [segment] = split(frame.port);
    const question = { askedAt: frame.t, answers: [] };
    this.questions.set(`${segment} ${frame.target} ${frame.sender}`, question);
  }

  private noteReply(frame: FrameEvent): void {
    if (frame.sender === frame.target) return this.noteAnnouncement(frame);
    const [segment, station] = split(frame.port);
    const answer = { t: frame.t, station, mac: frame.mac };
    const question = this.questions.get(`${segment} ${frame.sender} ${frame.target}`);
    this.answersSeen += 1;
    if (question !== undefined) {
      question.answers.push(answer);
      if (question.answers.length > 1) this.noteDouble(frame, segment, question);
    }
    const vip = VIP_SEGMENTS.find((name) => VIPS[name].address === frame.sender);
    if (vip === undefined) return;
    const from = this.owners.get(vip)?.station ?? station;
    if (from !== station) this.moves.push({ t: frame.t, segment: vip, from, to: station });
    this.owners.set(vip, answer);
    for (const listener of [...this.ownerListeners]) listener(vip, answer);
  }

  private noteDouble(frame: FrameEvent, segment: string, question: Question): void {
    const { askedAt, answers } = question;
    const double = { segment, asker: frame.target, askedAt, address: frame.sender, answers };
    if (answers.length === 2) this.doubleAnswers.push(double);
  }

  private noteAnnouncement(frame: FrameEvent): void {
    const [, station] = split(frame.port);
    this.announcements.push({ t: frame.t, station, mac: frame.mac, address: frame.sender });
  }
}

function split(port: string): [segment: string, station: string] {
  const dot = port.indexOf('.');
  return [port.slice(0, dot), port.slice(dot + 1)];
}
