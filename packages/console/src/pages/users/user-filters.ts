/** The filters of the list of users, as they are in the address of the page; empty: any. */
export interface UserFilters {
  readonly search: string
  readonly role: string
  readonly state: string
  readonly second_factor: string
  /** The last login: a key of `loginPeriods`. */
  readonly login: string
  /** The creation: a key of `creationPeriods`. */
  readonly created: string
}

/** The name of a filter. */
export type FilterName = keyof UserFilters

type Options = readonly (readonly [value: string, label: string])[]

/** The choices of each filter except the search, with the label of each. */
export const filterChoices: readonly (readonly [name: Exclude<FilterName, 'search'>, label: string, Options])[] = [
  [
    'state',
    'State',
    [
      ['', 'Any'],
      ['active', 'Active'],
      ['unverified', 'Address not verified'],
      ['disabled', 'Disabled'],
    ],
  ],
  [
    'role',
    'Role',
    [
      ['', 'Any'],
      ['user', 'User'],
      ['auditor', 'Auditor'],
      ['admin', 'Administrator'],
    ],
  ],
  [
    'second_factor',
    'Second factor',
    [
      ['', 'With or without'],
      ['with', 'With'],
      ['without', 'Without'],
    ],
  ],
  [
    'login',
    'Last login',
    [
      ['', 'Any time'],
      ['1', 'In the last day'],
      ['7', 'In the last 7 days'],
      ['30', 'In the last 30 days'],
      ['not-90', 'Not in the last 90 days'],
    ],
  ],
  [
    'created',
    'Created',
    [
      ['', 'Any time'],
      ['1', 'In the last day'],
      ['7', 'In the last 7 days'],
      ['30', 'In the last 30 days'],
    ],
  ],
]

/** Returns the filters in the query of an address. */
export function filtersOf(query: Readonly<Record<string, string>>): UserFilters {
  const { search = '', role = '', state = '', second_factor = '', login = '', created = '' } = query
  return { search, role, state, second_factor, login, created }
}

/** Returns the query of an address with these filters; empty if there is none. */
export function queryOf(filters: UserFilters): string {
  const set = Object.entries(filters).filter(([, value]) => value !== '')
  return set.length === 0 ? '' : `?${new URLSearchParams(set)}`
}

/** The query of GET /v1/admin/users. */
export interface UsersQuery {
  search?: string
  role?: 'user' | 'admin'
  state?: 'active' | 'disabled' | 'unverified'
  second_factor?: 'with' | 'without'
  signed_in_before?: string
  signed_in_after?: string
  created_after?: string
}

/** Returns the query of the API for these filters. The API refuses values that it does not know. */
export function apiQueryOf({ login, created, ...same }: UserFilters): UsersQuery {
  const query: Record<string, string> = Object.fromEntries(Object.entries(same).filter(([, value]) => value !== ''))
  if (login.startsWith('not-')) query.signed_in_before = daysAgo(login.slice('not-'.length))
  else if (login !== '') query.signed_in_after = daysAgo(login)
  if (created !== '') query.created_after = daysAgo(created)
  return query
}

function daysAgo(days: string): string {
  const time = new Date(Date.now() - Number(days) * 86_400_000)
  return Number.isNaN(time.getTime()) ? days : time.toISOString()
}
