/** What a group's form holds, and what the API is sent of it. Pure. */
import type { Of } from '../../api/client'
import { changes } from '../../parts/problem-field'
import { ruleBody, ruleValues } from '../accounts/body'
import type { Group } from './data'

/** Whose clients the groups of a platform serve where nobody says otherwise. */
const PROTOCOLS: Record<Of<'Platform'>, Of<'Protocol'>[]> = { anthropic: ['anthropic'], openai: ['openai'], gemini: ['gemini'], antigravity: ['anthropic', 'gemini'] }

/** Paths of the API that the form shows. */
export const FIELDS = ['name', 'platform', 'protocols', 'sticky', 'status', 'model_mapping.*.from', 'model_mapping.*.to', 'state_rules.*.name', 'state_rules.*.statuses', 'state_rules.*.contains', 'state_rules.*.cause', 'state_rules.*.state', 'state_rules.*.for_seconds'] as const

export function valuesOf(group: Group | undefined) {
  return {
    name: group?.name ?? '',
    platform: group?.platform ?? ('anthropic' as Of<'Platform'>),
    protocols: (group?.protocols ?? []) as Of<'Protocol'>[],
    sticky: group?.sticky ?? ('prefix' as Of<'Sticky'>),
    status: group?.status ?? ('active' as Of<'Status'>),
    model_mapping: (group?.model_mapping ?? []).map(({ from, to }) => ({ from, to })),
    state_rules: (group?.state_rules ?? []).map(ruleValues),
  }
}

export type Values = ReturnType<typeof valuesOf>

const open = ({ name, protocols, sticky, status, model_mapping, state_rules }: Values) => ({ name: name.trim(), sticky, status, model_mapping, state_rules: state_rules.map(ruleBody), ...(protocols.length > 0 ? { protocols } : {}) })

export const formBody = (values: Values): Of<'GroupForm'> => ({ ...open(values), platform: values.platform })

/** Only what was changed. What is left out stays, so that what was emptied is said in full. */
export function patchBody(before: Values, after: Values): Of<'GroupPatch'> {
  const stands = (values: Values) => ({ protocols: PROTOCOLS[values.platform], ...open(values) })
  return changes(stands(before), stands(after))
}
