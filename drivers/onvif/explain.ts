/** What a camera is asked and answers: SOAP, and where pictures are. */
import type { Explain } from '../contract/tap.ts';
import { explainHttp } from '../http-tap.ts';

/** Analytics that tell persons apart: faces, plates, cards (ONVIF Analytics, Access Control). */
const PERSONS = /face|plate|recogni|credential|person|human|card|user/i;

export const explain: Explain = explainHttp((body) => (PERSONS.test(body) ? 'person' : 'nothing'));
