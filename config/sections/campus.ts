/** Which school this is, and what platforms may know of it where their uplinks say so (`uplinks[].campus`). */
export { campusData as campus } from '../../drivers/contract/campus.ts';
