#include "pg/ddl.hpp"

#include "pg/guard.hpp"

namespace kpi::pg {
namespace {

ObjectId find(const RangeVar *name) {
    if (name == nullptr) return {};
    return {call([name] { return RangeVarGetRelid(name, NoLock, true); })};
}

void read_alter(Ddl &out, const AlterTableStmt *statement) {
    out.target = find(statement->relation);
    ListCell *cell = nullptr;
    foreach (cell, statement->cmds) {
        switch (lfirst_node(AlterTableCmd, cell)->subtype) {
            case AT_AttachPartition:
                out.attach = true;
                break;
            case AT_DetachPartition:
                out.detach = true;
                out.detach_concurrently =
                    reinterpret_cast<const PartitionCmd *>(lfirst_node(AlterTableCmd, cell)->def)
                        ->concurrent;
                break;
            case AT_DetachPartitionFinalize:
                out.detach = true;
                break;
            case AT_EnableTrig:
            case AT_EnableAlwaysTrig:
            case AT_EnableReplicaTrig:
            case AT_DisableTrig:
            case AT_EnableTrigAll:
            case AT_DisableTrigAll:
            case AT_EnableTrigUser:
            case AT_DisableTrigUser: {
                const char *name = lfirst_node(AlterTableCmd, cell)->name;
                out.triggers.emplace_back(name == nullptr ? "" : name);
            } break;
            case AT_SetLogged:
            case AT_SetUnLogged:
                out.persistence = true;
                break;
            case AT_EnableRowSecurity:
            case AT_DisableRowSecurity:
            case AT_ForceRowSecurity:
            case AT_NoForceRowSecurity:
                out.row_security = true;
                break;
            case AT_ChangeOwner:
                out.owner = true;
                break;
            case AT_AddInherit:
                out.inherit = true;
                break;
            default:
                break;
        }
    }
}

void read_rename(Ddl &out, const RenameStmt *statement) {
    if (statement->renameType == OBJECT_VIEW || statement->relationType == OBJECT_VIEW)
        out.target = find(statement->relation);
    const bool column =
        statement->renameType == OBJECT_COLUMN || statement->renameType == OBJECT_ATTRIBUTE;
    if ((!column && statement->renameType != OBJECT_TRIGGER) || statement->relation == nullptr)
        return;
    out.rename = column ? Ddl::Rename::column : Ddl::Rename::trigger;
    out.renamed = find(statement->relation);
    out.old_name = statement->subname;
    out.new_name = statement->newname;
}

void read_drop(Ddl &out, const DropStmt *statement) {
    out.cascade = statement->behavior == DROP_CASCADE;
    ListCell *cell = nullptr;
    foreach (cell, statement->objects) {
        auto *object = static_cast<Node *>(lfirst(cell));
        if (statement->removeType == OBJECT_VIEW || statement->removeType == OBJECT_TABLE) {
            const Oid relation = call([&] {
                return RangeVarGetRelid(makeRangeVarFromNameList(castNode(List, object)), NoLock,
                                        true);
            });
            if (relation != InvalidOid) out.relations.push_back({relation});
        } else if (statement->removeType == OBJECT_SCHEMA ||
                   statement->removeType == OBJECT_EXTENSION) {
            out.names.emplace_back(strVal(object));
        }
    }
}

}  // namespace

Ddl read_ddl(FunctionCallInfoBaseData *fcinfo) {
    if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
        throw Error("39P03", "not called by the event trigger manager");
    auto *data = reinterpret_cast<EventTriggerData *>(fcinfo->context);
    Ddl out;
    out.tag = GetCommandTagName(data->tag);
    Node *tree = data->parsetree;
    if (tree == nullptr) return out;
    if (IsA(tree, AlterTableStmt)) read_alter(out, castNode(AlterTableStmt, tree));
    if (IsA(tree, RenameStmt)) read_rename(out, castNode(RenameStmt, tree));
    if (IsA(tree, DropStmt)) read_drop(out, castNode(DropStmt, tree));
    if (IsA(tree, ViewStmt) && castNode(ViewStmt, tree)->replace)
        out.target = find(castNode(ViewStmt, tree)->view);
    if (IsA(tree, RuleStmt)) out.target = find(castNode(RuleStmt, tree)->relation);
    if (IsA(tree, AlterObjectSchemaStmt))
        out.target = find(castNode(AlterObjectSchemaStmt, tree)->relation);
    if (IsA(tree, DropOwnedStmt))
        out.cascade = castNode(DropOwnedStmt, tree)->behavior == DROP_CASCADE;
    if (IsA(tree, AlterOwnerStmt)) out.owner = true;
    if (IsA(tree, AlterEnumStmt))
        out.adds_enum_value = castNode(AlterEnumStmt, tree)->oldVal == nullptr;
    return out;
}

bool in_own_script() {
    return creating_extension &&
           call([] { return CurrentExtensionObject == get_extension_oid("kpi_ext", true); });
}

}  // namespace kpi::pg
