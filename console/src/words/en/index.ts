/** English, a file per part of the console. */
import { access } from './access'
import { accounts } from './accounts'
import { alerts } from './alerts'
import { attempts } from './attempts'
import { common } from './common'
import { errors } from './errors'
import { issues } from './issues'
import { overview } from './overview'
import { people } from './people'
import { replays } from './replays'
import { rules } from './rules'
import { settings } from './settings'
import { system } from './system'
import { watch } from './watch'

export const en = { access, accounts, alerts, attempts, common, errors, issues, overview, people, replays, rules, settings, system, watch } as const
