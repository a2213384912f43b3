/**
 * 简体中文, a file per part of the console. One word for one thing:
 *
 * | English | 中文 | not |
 * |---|---|---|
 * | hidden by failover, recovered | 掩盖 | 隐藏、挡住、已恢复（已恢复 is an alert that is over, or the service well again） |
 * | token, of a model | token | 令牌（令牌 is what somebody is known by: 访问令牌、个人令牌） |
 * | time to first token | 首 token 耗时 | 首个令牌时间、首个内容 |
 * | in flight | 进行中 | 在途 |
 * | severity | 级别 | 严重程度 |
 * | took, duration | 耗时 | 用时 |
 * | resolved | 已解决 | 已处理 |
 * | admin, the role | 管理员 | |
 * | admin user, whoever may sign in here | 控制台用户 | 管理员 |
 * | user, whom an API key belongs to | 用户 | |
 * | how an account stands | `accounts.state` alone | |
 * | how an issue stands | `issues.state` alone | |
 */
import type { Words } from '..'
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

export const zh: Words = { access, accounts, alerts, attempts, common, errors, issues, overview, people, replays, rules, settings, system, watch }
