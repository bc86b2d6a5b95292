'use strict';
// Makes the tables of what needs attention searchable and sortable. Without it, all is there to read.
for (const table of document.querySelectorAll('table.listing')) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const texts = rows.map(row => row.textContent.toLowerCase());
  const tools = document.createElement('div');
  tools.className = 'tools';
  const label = document.createElement('label');
  const name = document.createElement('span');
  name.className = 'unseen';
  name.textContent = 'Search: ' + table.caption.textContent;
  const input = document.createElement('input');
  input.type = 'search';
  input.placeholder = 'Search customer, id, reason, file …';
  label.append(name, input);
  const said = document.createElement('span');
  said.setAttribute('role', 'status');
  tools.append(label, said);
  table.parentElement.before(tools);
  const search = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, index) => {
      row.hidden = !words.every(word => texts[index].includes(word));
      if (!row.hidden) shown += 1;
    });
    said.textContent = words.length ? shown + ' of ' + rows.length + ' shown' : '';
  };
  input.addEventListener('input', search);

  const heads = [...table.tHead.rows[0].cells];
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.sort === undefined ? cell.textContent.trim() : cell.dataset.sort;
  };
  const compare = new Intl.Collator(undefined, { numeric: true }).compare;
  heads.forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const down = head.getAttribute('aria-sort') === 'ascending';
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const numeric = head.classList.contains('num');
      const keyed = rows.map((row, index) => ({ row, index, key: value(row, column) }));
      keyed.sort((a, b) => {
        // What is empty stays below.
        if (a.key === '' || b.key === '') return (a.key === '') - (b.key === '') || a.index - b.index;
        const order = numeric ? Number(a.key) - Number(b.key) : compare(a.key, b.key);
        return (down ? -order : order) || a.index - b.index;
      });
      body.append(...keyed.map(one => one.row));
    });
  });
}
