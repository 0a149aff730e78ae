/** Of who looks: another password, and the own sessions. */
import type { OwnPassword, Welcome } from '../../contract/login.ts';
import type { ShownSession } from '../../contract/users.ts';
import { post, remove } from '../kit/api.ts';
import { momentOf, shortOf } from '../kit/format.ts';
import { html, typed, useField, useSignal } from '../kit/html.ts';
import { may, me } from '../kit/me.ts';
import { ActionButton, Badge, Empty, FieldOf, Table, waitingFor } from '../kit/parts.ts';
import { useResource } from '../kit/resource.ts';
import { label, t } from '../kit/words.ts';
import { common } from '../words/common.ts';
import { setup } from '../words/setup.ts';
import { users } from '../words/users.ts';
import { NewPasswordFields, whyNotTaken } from './setup.ts';

/** A browser by what it calls itself: the last product that people know. */
const browserOf = (agent: string): string =>
  /(Edg|OPR|Firefox|Chrome|Safari)[A-Za-z]*\/\d+/.exec(agent)?.[0].replace('/', ' ') ?? agent.slice(0, 40);

/** `all`: whoever's. */
export function SessionsList({ all = false }: { readonly all?: boolean }) {
  const found = useResource<readonly ShownSession[]>('/api/sessions', { every: 30_000 });
  const waiting = waitingFor(found);
  if (waiting !== undefined) return waiting;
  const own = (found.data.value ?? []).filter(({ name }) => all || name === me.value?.name);
  const end = async (id: string) => {
    await remove(`/api/sessions/${encodeURIComponent(id)}`);
    await found.again();
  };
  const rows = own.map((one) => ({
    key: one.id,
    cells: [
      ...(all ? [html`${one.name} <small>${label('role', one.role)}</small>`] : []),
      html`<span title=${one.agent}>${browserOf(one.agent) || t(common.unknown)}</span>`,
      one.from,
      shortOf(one.seen),
      one.until === null ? t(users.endless) : momentOf(one.until),
      one.own
        ? html`<${Badge} tone="good">${t(users.thisOne)}<//>`
        : html`<${ActionButton} act=${() => end(one.id)}>${t(users.end)}<//>`,
    ],
  }));
  const heads = [
    ...(all ? [t(users.title)] : []),
    ...[users.browser, users.from, users.seen, users.until, users.actions].map((word) => t(word)),
  ];
  return rows.length === 0
    ? html`<${Empty} />`
    : html`<${Table} caption=${t(users.sessions)} heads=${heads} rows=${rows} />`;
}

function PasswordForm() {
  const old = useField();
  const password = useField();
  const again = useField();
  const wrong = useSignal('');
  const done = useSignal(false);
  const save = async (event: Event) => {
    event.preventDefault();
    done.value = false;
    wrong.value = password.value === again.value ? '' : t(setup.differ);
    if (wrong.value !== '') return;
    const body: OwnPassword = { old: old.value, password: password.value };
    try {
      await post<Welcome>('/api/me/password', body);
      done.value = true;
      for (const field of [old, password, again]) field.value = '';
    } catch (error) {
      wrong.value = whyNotTaken(error);
    }
  };
  return html`<form class="card" onSubmit=${save}>
    <h2>${t(setup.change)}</h2>
    <input class="hidden" name="name" autocomplete="username" tabindex="-1" aria-hidden="true" readonly value=${me.value?.name} />
    <${FieldOf} label=${t(setup.old)}>
      <input name="password" type="password" autocomplete="current-password" required value=${old} onInput=${typed(old)} />
    <//>
    <${NewPasswordFields} password=${password} again=${again} />
    <p class="wrong" role="alert">${wrong}</p>
    <p role="status">${done.value && t(setup.changed)}</p>
    <button class="main">${t(common.save)}</button>
  </form>`;
}

export function AccountPage() {
  const who = me.value;
  return html`<h1>${t(users.account)}</h1>
    <p>${who?.name} <${Badge}>${label('role', who?.role)}<//></p>
    ${may('users') && html`<p><a href="/system/users">${t(users.title)}</a></p>`}
    <h2>${t(users.ownSessions)}</h2>
    <${SessionsList} />
    ${who?.hasPassword && html`<${PasswordForm} />`}`;
}
