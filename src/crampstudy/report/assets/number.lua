-- The first filter, the same for all targets: shifts the headings of a notebook, numbers what has a label, and finds what
-- @fig-…, @tbl-…, @eq-… and @sec-… refer to. Literature is left to citeproc, which comes next.
-- The numbers go on as metadata, a reference as a span that names its label; filter.lua writes them for the target.

local labels = dofile(pandoc.path.join({ pandoc.path.directory(PANDOC_SCRIPT_FILE), "labels.lua" }))
local kind_of, fail = labels.kind_of, labels.fail
local numbers = {}

-- Headings move down by the notebook's shift, and each label gets its number in reading order.

local counts = { fig = 0, tbl = 0, eq = 0 }
local level = { 0, 0, 0, 0, 0, 0 }

local function number_heading(header)
  if header.classes:includes("unnumbered") then return end
  level[header.level] = level[header.level] + 1
  for deeper = header.level + 1, 6 do level[deeper] = 0 end
  -- "## Age curve" is the target of @sec-age-curve without being told.
  if kind_of(header.identifier) ~= "sec" then header.identifier = "sec-" .. header.identifier end
  numbers[header.identifier] = table.concat(level, ".", 1, header.level)
end

local function number_block(div)
  local kind = kind_of(div.identifier)
  if kind and counts[kind] then
    counts[kind] = counts[kind] + 1
    numbers[div.identifier] = tostring(counts[kind])
  end
end

local function prepare(div)
  if not div.classes:includes("notebook") then
    number_block(div)
    return nil
  end
  labels.notebook = div.attributes.name
  local shift = tonumber(div.attributes.shift)
  local above
  return div:walk {
    traverse = "topdown",
    Header = function(header)
      header.level = header.level + shift
      local said = "heading '" .. pandoc.utils.stringify(header) .. "'"
      if header.level > 5 then fail(said .. " is nested too deeply") end
      -- A reader who hears the document goes by the levels, and a PDF/UA may leave none out.
      if above and header.level > above + 1 then
        fail(said .. " leaves out a level: below the heading before it comes one with " .. (above + 1 - shift) .. " of #, "
          .. "and it has " .. (header.level - shift))
      end
      above = header.level
      number_heading(header)
      return header
    end,
    Div = function(inner) number_block(inner) end,
    Image = function() fail("a picture in the text; show it with blocks.figure, which asks for caption and alt") end,
  }
end

local works = {}

local function reference(cite)
  local parts = {}
  local found = 0
  for _, citation in ipairs(cite.citations) do
    if labels.WORDS[kind_of(citation.id) or ""] then
      if not numbers[citation.id] then
        local known = {}
        for label in pairs(numbers) do known[#known + 1] = "@" .. label end
        table.sort(known)
        fail("unknown reference @" .. citation.id .. "; known are: " .. table.concat(known, ", "))
      end
      local bare = citation.mode == "SuppressAuthor" and "yes" or "no"
      if #parts > 0 then parts[#parts + 1] = pandoc.Str(", ") end
      parts[#parts + 1] = pandoc.Span({}, pandoc.Attr("", { labels.REFERENCE }, { label = citation.id, bare = bare }))
      found = found + 1
    elseif not works[citation.id] then
      fail("@" .. citation.id .. " names no work of the bibliography; where it is no citation write \\@" .. citation.id)
    end
  end
  if found == 0 then return nil end
  if found < #cite.citations then fail("cite literature and figures in brackets of their own") end
  return parts
end

-- Every figure and table is named in the text: one that no sentence names is named at the end of the paragraph before it,
-- unless a heading stands between.

local function is_shown(block)
  return block.t == "Div" and (block.classes:includes("figure") or block.classes:includes("table"))
end

local function named(blocks)
  local found = {}
  pandoc.Div(blocks):walk {
    traverse = "topdown",
    Div = function(div) if is_shown(div) then return div, false end end,
    Cite = function(cite) for _, citation in ipairs(cite.citations) do found[citation.id] = true end end,
  }
  return found
end

local function see(labels_of)
  local out = pandoc.List({ pandoc.Space(), pandoc.Str("See"), pandoc.Space() })
  for at, label in ipairs(labels_of) do
    if at > 1 then out:extend(at < #labels_of and { pandoc.Str(","), pandoc.Space() } or { pandoc.Space(), pandoc.Str("and"), pandoc.Space() }) end
    out:insert(pandoc.Cite({}, { pandoc.Citation(label, "AuthorInText") }))
  end
  out:insert(pandoc.Str("."))
  return out
end

local function name_unnamed(blocks, known)
  local paragraph, unnamed = nil, pandoc.List()
  local function say()
    if paragraph and #unnamed > 0 and pandoc.utils.stringify(paragraph):match("%.$") then paragraph.content:extend(see(unnamed)) end
    unnamed = pandoc.List()
  end
  for _, block in ipairs(blocks) do
    if block.t == "Para" or block.t == "Header" then
      say()
      paragraph = block.t == "Para" and block or nil
    elseif is_shown(block) and not known[block.identifier] then
      unnamed:insert(block.identifier)
    end
  end
  say()
  return blocks
end

function Pandoc(document)
  local blocks = pandoc.List()
  for _, block in ipairs(document.blocks) do
    if block.t == "Div" then block = prepare(block) or block elseif block.t == "Header" then number_heading(block) end
    blocks:insert(block)
  end
  for _, work in ipairs(pandoc.utils.references(document)) do works[work.id] = true end
  local known = named(blocks)
  for at, block in ipairs(blocks) do
    if block.t == "Div" and block.classes:includes("notebook") then
      labels.notebook = block.attributes.name
      block.content = name_unnamed(block.content, known)
      blocks[at] = block:walk { Cite = reference }
    end
  end
  document.blocks = blocks
  document.meta.numbers = numbers
  return document
end
