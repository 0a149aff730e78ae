/** Light or dark: as the system says, until somebody chose. */
const KEPT = 'campus-theme';

export function applyTheme(): void {
  const chosen = localStorage.getItem(KEPT);
  if (chosen !== null) document.documentElement.dataset['theme'] = chosen;
}
export function switchTheme(): void {
  const { dataset } = document.documentElement;
  const isDark =
    dataset['theme'] === 'dark' ||
    (dataset['theme'] === undefined && matchMedia('(prefers-color-scheme: dark)').matches);
  localStorage.setItem(KEPT, isDark ? 'light' : 'dark');
  applyTheme();
}
