/** What terminals push and are answered. What they say is of persons: who came, with which card, and their faces. */
import type { Explain } from '../contract/tap.ts';
import { explainHttp } from '../http-tap.ts';

export const explain: Explain = explainHttp(() => 'person');
