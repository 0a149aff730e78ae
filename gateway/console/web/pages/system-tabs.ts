/** The parts of the system, each a page: above all of them. */
import type { Me } from '../../contract/me.ts';
import { html } from '../kit/html.ts';
import { may } from '../kit/me.ts';
import { address } from '../kit/router.ts';
import { t, type Word } from '../kit/words.ts';
import { backup } from '../words/backup.ts';
import { doctor } from '../words/doctor.ts';
import { system } from '../words/system.ts';
import { users } from '../words/users.ts';

const tabs: readonly { readonly path: string; readonly needs: Me['rights'][number]; readonly word: Word }[] =
  [
    { path: '/system', needs: 'system', word: system.state },
    { path: '/system/doctor', needs: 'system', word: doctor.title },
    { path: '/system/config', needs: 'system', word: system.config },
    { path: '/system/audit', needs: 'system', word: system.audit },
    { path: '/system/backup', needs: 'backup', word: backup.title },
    { path: '/system/users', needs: 'users', word: users.title },
  ];

export function SystemTabs() {
  const here = address.value.split('?')[0];
  return html`<nav class="tabs" aria-label=${t(system.tabs)}>${tabs
    .filter(({ needs }) => may(needs))
    .map(
      ({ path, word }) =>
        html`<a key=${path} href=${path} aria-current=${path === here ? 'page' : undefined}>${t(word)}</a>`,
    )}</nav>`;
}

export const Fact = ({ name, children }: { readonly name: string; readonly children?: unknown }) =>
  html`<div><dt>${name}</dt><dd>${children}</dd></div>`;
