/** What is known of a panel that reports by its account, whoever hands its reports on: whether it is there. */
import { hash } from 'node:crypto';
import type { Host } from '../contract/driver.ts';

export interface PanelPresence {
  readonly device: string;
  readonly config: { readonly account: string; readonly supervision?: number | undefined };
  /** `elapsed` when something of it was understood last. */
  heard: number;
  online: boolean | undefined;
}

/** It said something. */
export function hearPanel(panel: PanelPresence, host: Pick<Host, 'clock' | 'link'>): void {
  panel.heard = host.clock.elapsed();
  panel.online = true;
  host.link(panel.device, 'online', undefined, panel.config.account);
}

/** Tells who was silent for longer than they may be. */
export function supervisePanels(panels: Iterable<PanelPresence>, host: Pick<Host, 'clock' | 'link'>): void {
  const now = host.clock.elapsed();
  for (const panel of panels) {
    const { supervision, account } = panel.config;
    if (supervision === undefined || panel.online === false || now - panel.heard <= supervision) continue;
    panel.online = false;
    const silence = `account ${account} silent for more than ${supervision / 1000} s`;
    host.link(panel.device, 'offline', silence, account);
  }
}

/** 132 bits of what was said, for the key by which it is known again. */
export const digestOf = (...parts: readonly unknown[]): string =>
  hash('sha256', parts.join('\n'), 'base64url').slice(0, 22);
