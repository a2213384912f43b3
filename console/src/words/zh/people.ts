import type { Words } from '..'
import type { people as source } from '../en/people'

export const people: Words<typeof source> = {
  signIn: {
    title: '登录',
    name: '名称',
    password: '密码',
    submit: '登录',
    wrong: '名称或密码不正确。',
    later: '尝试次数过多,请在{{when}}再试。',
  },
  setup: {
    title: '首次启动',
    intro: '还没有管理员。设置令牌由首次启动时打印一次;已配置的管理令牌同样可用。',
    token: '设置令牌',
    name: '第一位管理员的名称',
    password: '密码,至少 12 个字符',
    submit: '创建第一位管理员',
    done: '第一位管理员已创建,请登录。',
  },
}
