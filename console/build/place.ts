/** The name of the place that an address of the console leads to: `''`, `errors`, and `errors/` for one of them. It runs by itself: it needs nothing. */
export function placeAt(path: string, home: string): string {
  const [first = '', second = ''] = path.slice(home.replace(/[^/]*$/, '').length).split('/')
  return second ? `${first}/` : first
}
