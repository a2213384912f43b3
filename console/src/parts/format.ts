/** The browser's formatters, each made once: making one costs milliseconds, and a page says hundreds of numbers. */

const kept = new Map<string, unknown>()

function once<Options extends object, Made>(kind: string, Make: new (language: string, options: Options) => Made) {
  return (language: string, options: Options = {} as Options): Made => {
    const key = `${kind} ${language} ${JSON.stringify(options)}`
    const made = (kept.get(key) as Made | undefined) ?? new Make(language, options)
    kept.set(key, made)
    return made
  }
}

export const numberFormat = once<Intl.NumberFormatOptions, Intl.NumberFormat>('number', Intl.NumberFormat)
export const momentFormat = once<Intl.DateTimeFormatOptions, Intl.DateTimeFormat>('moment', Intl.DateTimeFormat)
export const relativeFormat = once<Intl.RelativeTimeFormatOptions, Intl.RelativeTimeFormat>('relative', Intl.RelativeTimeFormat)
export const listFormat = once<Intl.ListFormatOptions, Intl.ListFormat>('list', Intl.ListFormat)
