export const people = {
  signIn: {
    title: 'Sign in',
    name: 'Name',
    password: 'Password',
    submit: 'Sign in',
    wrong: 'The name or the password is wrong.',
    later: 'Too many attempts. Try again {{when}}.',
  },
  setup: {
    title: 'First start',
    intro: 'There is no admin user yet. The setup token was printed once by the start that made it; the configured admin token does as well.',
    token: 'Setup token',
    name: 'Name of the first admin',
    password: 'Password, at least 12 characters',
    submit: 'Create the first admin',
    done: 'The first admin is made. Sign in.',
  },
} as const
