/** Who gets in: users and their links, tokens of programs and screens, the sessions of all. */
import type { MadeLink, MadeToken, ShownToken, ShownUser } from '../../contract/users.ts';
import { patch, post, remove } from '../kit/api.ts';
import { momentOf } from '../kit/format.ts';
import { html, typed, useField, useSignal } from '../kit/html.ts';
import { me } from '../kit/me.ts';
import { ActionButton, Badge, Dialog, Empty, FieldOf, Table, waitingFor, wordsOf } from '../kit/parts.ts';
import { type Resource, useResource } from '../kit/resource.ts';
import { label, t, type Word, type Words } from '../kit/words.ts';
import { common } from '../words/common.ts';
import { roleHints, users } from '../words/users.ts';
import { SessionsList } from './account.ts';

/** Who can be let in here. */
export interface Audience {
  /** Of people. */
  readonly roles: readonly string[];
  /** What a role is for. */
  readonly hints: Words;
  /** What tokens are for. */
  readonly tokens: Word;
  readonly hasScreens: boolean;
}
type For = { readonly audience: Audience };
const ofConsole: Audience = {
  roles: ['viewer', 'guard', 'operator', 'technician', 'administrator'],
  hints: roleHints,
  tokens: users.tokensExplain,
  hasScreens: true,
};
const roleText = (role: string, { hints }: Audience) => {
  const hint = hints[role];
  return hint === undefined ? label('role', role) : `${label('role', role)} (${t(hint)})`;
};
const pathOf = (name: string) => `/api/users/${encodeURIComponent(name)}`;

/** Something that is shown once, to be taken away. */
function Taken({ name, text }: { readonly name: string; readonly text: string }) {
  const copied = useSignal(false);
  const select = (event: Event) => (event.target as HTMLInputElement).select();
  // Browsers let a page copy over TLS, and on this machine.
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    copied.value = true;
  };
  return html`<div class="line">
    <input class="taken" aria-label=${name} readonly value=${text} onFocus=${select} />
    ${
      navigator.clipboard !== undefined &&
      html`<button type="button" onClick=${copy}>${t(copied.value ? users.copied : users.copy)}</button>`
    }
  </div>`;
}

interface ForSomebody extends MadeLink {
  readonly name: string;
}
function LinkDialog({ made, onClose }: { readonly made: ForSomebody; readonly onClose: () => void }) {
  const title = t(users.linkTitle, { name: made.name });
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <p>${t(users.linkExplain, { time: momentOf(made.until) })}</p>
    <${Taken} name=${title} text=${location.origin + made.link} />
  <//>`;
}

function NewUser({ onMade, audience }: For & { readonly onMade: (made: ForSomebody) => void }) {
  const name = useField();
  const role = useField(audience.roles[1]);
  const wrong = useSignal('');
  const add = async (event: Event) => {
    event.preventDefault();
    wrong.value = '';
    try {
      const made = await post<MadeLink>('/api/users', { name: name.value, role: role.value });
      onMade({ ...made, name: name.value });
      name.value = '';
    } catch (error) {
      wrong.value = wordsOf(error);
    }
  };
  return html`<form class="card" onSubmit=${add}>
    <h2>${t(users.newUser)}</h2>
    <${FieldOf} label=${t(common.name)}>
      <input name="new-user" required maxlength="64" autocomplete="off" value=${name} onInput=${typed(name)} />
    <//>
    <${FieldOf} label=${t(users.role)}>
      <select name="new-role" value=${role} onChange=${typed(role)}>
        ${audience.roles.map((one) => html`<option key=${one} value=${one}>${roleText(one, audience)}</option>`)}
      </select>
    <//>
    <p class="wrong" role="alert">${wrong}</p>
    <button class="main">${t(common.add)}</button>
  </form>`;
}

const stateOf = ({ hasPassword, linkUntil }: ShownUser): string =>
  [
    hasPassword && t(users.active),
    linkUntil !== null && t(users.waiting, { time: momentOf(linkUntil) }),
    !hasPassword && linkUntil === null && t(users.noPassword),
  ]
    .filter(Boolean)
    .join(', ');

function People({ audience }: For) {
  const found = useResource<readonly ShownUser[]>('/api/users', { every: 30_000 });
  const made = useSignal<ForSomebody | undefined>(undefined);
  const wrong = useSignal('');
  const show = async (one: ForSomebody) => {
    made.value = one;
    await found.again();
  };
  const linkFor = async (name: string) => show({ ...(await post<MadeLink>(`${pathOf(name)}/link`)), name });
  const changeRole = (name: string) => async (event: Event) => {
    wrong.value = '';
    const role = (event.target as HTMLSelectElement).value;
    await patch(pathOf(name), { role }).catch((error) => {
      wrong.value = wordsOf(error);
    });
    await found.again();
  };
  const removeOne = async (name: string) => {
    await remove(pathOf(name));
    await found.again();
  };
  const rows = (found.data.value ?? []).map((one) => ({
    key: one.name,
    cells: [
      html`${one.name} ${one.name === me.value?.name && html`<${Badge}>${t(users.you)}<//>`}`,
      // The key: what was chosen and refused is shown as it is.
      html`<select key=${`${one.role} ${wrong.value}`} aria-label="${t(users.role)}: ${one.name}" value=${one.role} onChange=${changeRole(one.name)}>
        ${[...new Set([...audience.roles, one.role])].map((role) => html`<option key=${role} value=${role}>${label('role', role)}</option>`)}
      </select>`,
      html`${stateOf(one)}${one.sessions > 0 && html` <small>${t(users.logged, { n: one.sessions })}</small>`}`,
      momentOf(one.since),
      html`<span class="buttons">
        <${ActionButton} act=${() => linkFor(one.name)}>${t(users.link)}<//>
        <${ActionButton} tone="danger" sure=${users.removeSure} act=${() => removeOne(one.name)}>${t(common.remove)}<//>
      </span>`,
    ],
  }));
  const heads = [common.name, users.role, users.state, users.since, users.actions].map((word) => t(word));
  const close = () => {
    made.value = undefined;
  };
  return html`<section aria-label=${t(users.title)}>
    ${waitingFor(found) ?? (rows.length === 0 ? html`<${Empty} />` : html`<${Table} caption=${t(users.title)} heads=${heads} rows=${rows} />`)}
    <p class="wrong" role="alert">${wrong}</p>
    <${NewUser} onMade=${show} audience=${audience} />
    ${made.value !== undefined && html`<${LinkDialog} made=${made.value} onClose=${close} />`}
  </section>`;
}

interface OfToken extends MadeToken {
  readonly label: string;
  readonly role: string;
}
function TokenDialog({ made, onClose }: { readonly made: OfToken; readonly onClose: () => void }) {
  const gates = me.value?.gates ?? [];
  const title = t(users.tokenTitle, { name: made.label });
  const isScreen = made.role === 'screen' && gates.length > 0;
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <p>${t(users.tokenExplain)} ${isScreen && t(users.screenExplain)}</p>
    ${
      isScreen
        ? gates.map(
            (gate) =>
              html`<${Taken} key=${gate} name=${gate} text=${`${location.origin}/gate/${encodeURIComponent(gate)}#${made.token}`} />`,
          )
        : html`<${Taken} name=${title} text=${made.token} />`
    }
  <//>`;
}

const LIVES = [30, 90, 365, 400] as const;
function NewToken({ onMade, audience }: For & { readonly onMade: (made: OfToken) => void }) {
  const name = useField();
  const role = useField('viewer');
  const days = useField('90');
  const wrong = useSignal('');
  const isScreen = role.value === 'screen';
  const add = async (event: Event) => {
    event.preventDefault();
    wrong.value = '';
    try {
      const lasts = isScreen ? null : Number(days.value);
      const wanted = { label: name.value, role: role.value, days: lasts };
      onMade({ ...(await post<MadeToken>('/api/tokens', wanted)), label: name.value, role: role.value });
      name.value = '';
    } catch (error) {
      wrong.value = wordsOf(error);
    }
  };
  return html`<form class="card" onSubmit=${add}>
    <h3>${t(users.newToken)}</h3>
    <${FieldOf} label=${t(users.label)}>
      <input name="new-token" required maxlength="64" autocomplete="off" value=${name} onInput=${typed(name)} />
    <//>
    <${FieldOf} label=${t(users.role)}>
      <select value=${role} onChange=${typed(role)}>
        ${[...audience.roles, ...(audience.hasScreens ? ['screen'] : [])].map((one) => html`<option key=${one} value=${one}>${roleText(one, audience)}</option>`)}
      </select>
    <//>
    ${
      !isScreen &&
      html`<${FieldOf} label=${t(users.lasts)}>
        <select value=${days} onChange=${typed(days)}>
          ${LIVES.map((n) => html`<option key=${n} value=${n}>${t(users.days, { n })}</option>`)}
        </select>
      <//>`
    }
    <p class="wrong" role="alert">${wrong}</p>
    <button>${t(common.add)}</button>
  </form>`;
}

const endOf = (until: number | null): string => {
  if (until === null) return t(users.endless);
  return until <= Date.now() ? t(users.over) : momentOf(until);
};

function tokenRows(found: Resource<readonly ShownToken[]>) {
  const withdraw = async (id: string) => {
    await remove(`/api/tokens/${encodeURIComponent(id)}`);
    await found.again();
  };
  return (found.data.value ?? []).map((one) => ({
    key: one.id,
    cells: [
      one.label,
      label('role', one.role),
      one.by,
      endOf(one.until),
      html`<${ActionButton} tone="danger" sure=${users.withdrawSure} act=${() => withdraw(one.id)}>${t(users.withdraw)}<//>`,
    ],
  }));
}

function Tokens({ audience }: For) {
  const found = useResource<readonly ShownToken[]>('/api/tokens', { every: 30_000 });
  const made = useSignal<OfToken | undefined>(undefined);
  const rows = tokenRows(found);
  const heads = [users.label, users.role, users.by, users.until, users.actions].map((word) => t(word));
  const show = async (one: OfToken) => {
    made.value = one;
    await found.again();
  };
  const close = () => {
    made.value = undefined;
  };
  return html`<section aria-label=${t(users.tokens)}>
    <h2>${t(users.tokens)}</h2>
    <p class="quiet">${t(audience.tokens)}</p>
    ${waitingFor(found) ?? (rows.length === 0 ? html`<${Empty} />` : html`<${Table} caption=${t(users.tokens)} heads=${heads} rows=${rows} />`)}
    <${NewToken} onMade=${show} audience=${audience} />
    ${made.value !== undefined && html`<${TokenDialog} made=${made.value} onClose=${close} />`}
  </section>`;
}

export function UsersPage({ audience = ofConsole }: Partial<For>) {
  return html`<h1>${t(users.title)}</h1>
    <${People} audience=${audience} />
    <${Tokens} audience=${audience} />
    <h2>${t(users.sessions)}</h2>
    <${SessionsList} all />`;
}
