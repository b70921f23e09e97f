-- The title page of the Word document and its contents, made last, when all headings are there.

local word = dofile(pandoc.path.join({ pandoc.path.directory(PANDOC_SCRIPT_FILE), "docx.lua" }))

local function facts_table(facts)
  local rows = pandoc.List(facts):map(function(fact)
    return pandoc.Row(pandoc.List({ "Fact Name", "Fact" }):map(function(style, i)
      return pandoc.Cell({ word.styled(style, { pandoc.Str(fact[i]) }) })
    end))
  end)
  local body = { attr = pandoc.Attr(), body = rows, head = {}, row_head_columns = 1 }
  local specs = { { "AlignLeft", 0.22 }, { "AlignLeft", 0.78 } }
  local plain = pandoc.Attr("", {}, { ["custom-style"] = "Facts" })
  return pandoc.Table(pandoc.Caption(), specs, pandoc.TableHead(), { body }, pandoc.TableFoot(), plain)
end

local function parameters_table(parameters)
  local columns = pandoc.List({ "Parameter", "Value", "Meaning" }):map(function(heading)
    return { heading = heading, align = "left" }
  end)
  local rows = pandoc.List(parameters):map(function(cells) return { cells = cells } end)
  return word.grid(columns, rows)
end

local MANY = 18 -- entries of contents that have a page of their own

local function page_break() return word.raw('<w:p><w:r><w:br w:type="page"/></w:r></w:p>') end

function Pandoc(document)
  local facts = word.read("report.json")
  local headers = pandoc.List()
  document:walk { Header = function(header) if header.level <= 2 then headers:insert(header:clone()) end end }
  local front = pandoc.List({ facts_table(facts.facts) })
  if #facts.parameters > 0 then
    front:insert(word.styled("TOC Heading", { pandoc.Str("Parameters") }))
    front:insert(parameters_table(facts.parameters))
  end
  front:insert(word.styled("Disclaimer", { pandoc.Str(facts.disclaimer) }))
  if #headers > MANY then front:insert(page_break()) end
  front:insert(word.styled("TOC Heading", { pandoc.Str("Contents") }))
  front:extend(word.contents(headers))
  front:insert(page_break())
  document.blocks = front .. document.blocks
  return document
end
