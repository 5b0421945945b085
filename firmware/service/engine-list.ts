/**
 * Everything on this machine that is rendered from the configuration, in the order of application.
 */
import type { Engine } from '../kernel/engines/engine.ts';

export const engineList = (): readonly Engine[] => [];
