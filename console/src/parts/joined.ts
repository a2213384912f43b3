/** Words in a row, with the signs that the language puts between them: a list, a name and its value, an aside. */
import { useTranslation } from 'react-i18next'

type Text = string | number | false | null | undefined

/** The signs, as words of the language. */
export type Sign = 'list' | 'clause' | 'colon' | 'open' | 'close'

const isThere = (text: Text) => text !== '' && text !== false && text !== null && text !== undefined

/** What is nothing is left out of a list; a name without a value, or with an aside of nothing, is the name alone. */
export function joined(sign: (name: Sign) => string) {
  return {
    list: (texts: readonly Text[]) => texts.filter(isThere).join(sign('list')),
    clauses: (...texts: Text[]) => texts.filter(isThere).join(sign('clause')),
    named: (...texts: Text[]) => texts.filter(isThere).join(sign('colon')),
    aside: (text: string | number, more: Text) => (isThere(more) ? `${text}${sign('open')}${more}${sign('close')}` : String(text)),
  }
}

export function useJoined() {
  const { t } = useTranslation()
  return joined((name) => t(`join.${name}`))
}
