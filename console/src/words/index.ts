/**
 * The words of the console. English is the source: another language that lacks one of its words is a type error. What
 * the gateway says by closed lists (explanations, remedies, phases) is in `gateway.ts`; what it and the providers say
 * beside those is shown as it came.
 */
import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import type { en } from './en'
import { type GatewayWords, setGatewayWords } from './gateway'
import { wantedOf } from './wanted'

export const LANGUAGES = { en: 'English', zh: '简体中文' } as const
export type Language = keyof typeof LANGUAGES

/** The shape of `en`, with any text in it. */
export type Words<T = typeof en> = { readonly [Key in keyof T]: T[Key] extends string ? string : Words<T[Key]> }

const KEPT = 'waybill.language'

/** The console's words, and the gateway's where it is not to speak for itself. */
interface Spoken {
  words: Words
  gateway?: GatewayWords
}

const loaders: Record<Language, () => Promise<Spoken>> = {
  en: async () => ({ words: (await import('./en')).en }),
  zh: async () => {
    const [{ zh: words }, { gateway }] = await Promise.all([import('./zh'), import('./zh/gateway')])
    return { words, gateway }
  },
}

function wanted(): Language {
  return wantedOf([localStorage.getItem(KEPT), ...navigator.languages], Object.keys(LANGUAGES) as [Language, ...Language[]])
}

/** Loads one language, and speaks it from then on. */
export async function loadWords(language: Language = wanted()): Promise<void> {
  const { words, gateway } = await loaders[language]()
  setGatewayWords(gateway)
  // Before anything is drawn anew: what is not made of words, such as a duration, follows it, too.
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
  if (!i18next.isInitialized) {
    await i18next.use(initReactI18next).init({
      lng: language,
      fallbackLng: false,
      showSupportNotice: false,
      ns: Object.keys(words),
      defaultNS: 'common',
      resources: { [language]: words },
      interpolation: { escapeValue: false },
    })
  } else {
    for (const [namespace, texts] of Object.entries(words)) i18next.addResourceBundle(language, namespace, texts)
    await i18next.changeLanguage(language)
  }
}

/** What somebody chose is spoken next time, too. */
export async function speak(language: Language): Promise<void> {
  localStorage.setItem(KEPT, language)
  await loadWords(language)
}

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'common'
    resources: typeof en
  }
}
