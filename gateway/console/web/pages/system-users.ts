/** Who may use the console, as a part of the system. */
import { html } from '../kit/html.ts';
import { SystemTabs } from './system-tabs.ts';
import { UsersPage } from './users.ts';

export const SystemUsersPage = () => html`<${SystemTabs} /><${UsersPage} />`;
