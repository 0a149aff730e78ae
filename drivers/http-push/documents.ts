/**
 * Where a document ends whose end nobody says (JSON, RFC 8259; XML 1.0; Dahua's `Code=...;data={...}`), and JSON as
 * terminals write it. Each character is looked at a fixed number of times. Pure.
 */

/** Takes one byte after the other; true: with this one the document is whole. */
export type EndOf = (code: number) => boolean;

const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const BACKSLASH = 0x5c;
const SLASH = 0x2f;
const LESS = 0x3c;
const GREATER = 0x3e;
const [OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = [0x5b, 0x5d, 0x7b, 0x7d];
const LINE_END = 0x0a;
const COMMA = 0x2c;

export function endOfJson(): EndOf {
  let depth = 0;
  let isText = false;
  let isEscaped = false;
  return (code) => {
    if (isText) {
      if (isEscaped) isEscaped = false;
      else if (code === BACKSLASH) isEscaped = true;
      else if (code === QUOTE) isText = false;
      return false;
    }
    if (code === QUOTE) isText = true;
    else if (code === OPEN || code === OPEN_LIST) depth++;
    else if (code === CLOSE || code === CLOSE_LIST) return --depth <= 0;
    return false;
  };
}

/** What ends what began with `<!--`, `<![CDATA[`, `<?`, `<!`. */
const markups = [
  { begin: '!--', end: '-->' },
  { begin: '![CDATA[', end: ']]>' },
  { begin: '?', end: '?>' },
  { begin: '!', end: '>' },
] as const;

export function endOfXml(): EndOf {
  let depth = 0;
  /** From `<` on, until it is known what it is. */
  let head: string | undefined;
  let markup: { readonly end: string; seen: string } | undefined;
  let tag: { readonly closes: boolean; quote: number; last: number } | undefined;
  const inMarkup = (one: { readonly end: string; seen: string }, code: number) => {
    one.seen = (one.seen + String.fromCharCode(code)).slice(-one.end.length);
    if (one.seen === one.end) markup = undefined;
    return false;
  };
  const inTag = (one: { readonly closes: boolean; quote: number; last: number }, code: number) => {
    const before = one.last;
    one.last = code;
    if (one.quote !== 0) {
      if (code === one.quote) one.quote = 0;
      return false;
    }
    if (code === QUOTE || code === APOSTROPHE) one.quote = code;
    if (code !== GREATER) return false;
    tag = undefined;
    if (one.closes) return --depth <= 0;
    if (before === SLASH) return depth === 0;
    depth++;
    return false;
  };
  return (code) => {
    if (markup !== undefined) return inMarkup(markup, code);
    if (tag !== undefined) return inTag(tag, code);
    if (head === undefined) {
      if (code === LESS) head = '';
      return false;
    }
    head += String.fromCharCode(code);
    const known = head;
    const found = markups.find(({ begin }) => known.startsWith(begin));
    if (markups.some(({ begin }) => begin !== known && begin.startsWith(known))) return false;
    head = undefined;
    if (found !== undefined) markup = { end: found.end, seen: known.slice(found.begin.length) };
    else tag = { closes: known.startsWith('/'), quote: 0, last: code };
    return false;
  };
}

const DATA = ';data=';

/** Of Dahua: with its data where it has some, else with its line. */
export function endOfCode(): EndOf {
  let matched = 0;
  let data: EndOf | 'line' | undefined;
  return (code) => {
    if (data === undefined && matched === DATA.length)
      data = code === OPEN || code === OPEN_LIST ? endOfJson() : 'line';
    if (typeof data === 'function') return data(code);
    if (code === LINE_END) return true;
    matched = code === DATA.charCodeAt(matched) ? matched + 1 : code === DATA.charCodeAt(0) ? 1 : 0;
    return false;
  };
}

/**
 * JSON, as it is or as terminals write it: with line ends and tabs in texts (RFC 8259, 7 has them escaped), with a comma
 * before the end of a list or an object. What it means is not in doubt. @throws SyntaxError.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const mended = mendJson(text);
    if (mended === text) throw error;
    return JSON.parse(mended);
  }
}

const isBlank = (code: number) => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

function mendJson(text: string): string {
  const kept: string[] = [];
  let from = 0;
  let isText = false;
  /** What stood before, besides blanks. */
  let before = 0;
  const put = (until: number, instead: string, next: number) => {
    kept.push(text.slice(from, until), instead);
    from = next;
  };
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isText) {
      if (code === BACKSLASH) i++;
      else if (code === QUOTE) isText = false;
      else if (code < 0x20) put(i, `\\u${code.toString(16).padStart(4, '0')}`, i + 1);
    } else if (code === QUOTE) {
      isText = true;
      before = code;
    } else if (code === COMMA) {
      let next = i + 1;
      while (isBlank(text.charCodeAt(next))) next++;
      const after = text.charCodeAt(next);
      const isOver = before !== OPEN && before !== OPEN_LIST && before !== COMMA;
      if (isOver && (after === CLOSE || after === CLOSE_LIST)) put(i, '', i + 1);
      i = next - 1;
      before = COMMA;
    } else if (!isBlank(code)) before = code;
  }
  return kept.length === 0 ? text : kept.join('') + text.slice(from);
}

/** What stands around a text and means nothing: blanks, line ends, a byte order mark, the NUL that ends it in C. */
export function trimText(text: string): string {
  const means = (at: number) => {
    const code = text.charCodeAt(at);
    return code > 0x20 && code !== 0xfeff && code !== 0xa0;
  };
  let start = 0;
  let end = text.length;
  while (start < end && !means(start)) start++;
  while (end > start && !means(end - 1)) end--;
  return text.slice(start, end);
}
