/** A dialogue with all keys of a page. */
import { Kbd, Modal, Table } from '@mantine/core'

interface Props {
  title: string
  opened: boolean
  onClose: () => void
  /** The keys of one line, and what they do. */
  keys: readonly (readonly [keys: readonly string[], does: string])[]
}

export function KeyHelp({ title, opened, onClose, keys }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title={title} size="sm" centered>
      <Table>
        <Table.Tbody>
          {keys.map(([names, does]) => (
            <Table.Tr key={names.join()}>
              <Table.Td w={110}>
                {names.map((name) => (
                  <Kbd key={name} mr={4}>
                    {name}
                  </Kbd>
                ))}
              </Table.Td>
              <Table.Td>{does}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  )
}
